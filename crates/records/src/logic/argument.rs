//! Functions as logic: `async fn(Call, arguments…) -> Result<reply, Refusal>`, whose arguments are
//! found by their types. What an argument needs is asked at start.

use super::{Call, Components, IntoReply, Reply};
use carnet_kernel::{Code, Refusal};
use carnet_model::Model;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;
use std::any::{TypeId, type_name};
use std::future::Future;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

/// Code for one point, behind one type.
pub trait Logic: Send + Sync + 'static {
    /// Runs it.
    fn call(&self, call: Call) -> BoxFuture<'static, Result<Reply, Refusal>>;

    /// Says what its arguments need.
    fn needs(&self, needs: &mut Needs);

    /// The name of the function, for people.
    fn name(&self) -> &'static str;

    /// Whether its reads before the first write happen outside of the transaction.
    fn is_late(&self) -> bool {
        false
    }

    /// The codes that it says it refuses with.
    fn codes(&self) -> &[Code] {
        &[]
    }
}

/// What the arguments of a logic need, asked at start.
#[derive(Default)]
pub struct Needs {
    pub(crate) components: Vec<(TypeId, &'static str)>,
    pub(crate) checks: Vec<fn(&Model) -> Vec<String>>,
    pub(crate) warnings: Vec<fn(&Model) -> Vec<String>>,
}

impl Needs {
    /// Needs the component of a type.
    pub fn component<T: 'static>(&mut self) {
        self.components.push((TypeId::of::<T>(), type_name::<T>()));
    }

    /// Needs the model to be as `check` says; it answers what is wrong. It is asked for each version
    /// that the code runs in, with the names that are shown there.
    pub fn model(&mut self, check: fn(&Model) -> Vec<String>) {
        self.checks.push(check);
    }

    /// Wants people to be told what `check` answers for the model; nothing is refused for it.
    pub fn warnings(&mut self, check: fn(&Model) -> Vec<String>) {
        self.warnings.push(check);
    }

    /// Which components are missing.
    pub(super) fn missing(&self, components: &Components) -> Vec<String> {
        let missing = self.components.iter();
        missing
            .filter(|(kind, _)| !components.has(*kind))
            .map(|(_, name)| format!("it takes `{name}`, and no component of that type was added"))
            .collect()
    }

    /// What is wrong with them for the model as a version shows it.
    pub(super) fn wrong(&self, model: &Model) -> impl Iterator<Item = String> {
        self.checks.iter().flat_map(move |check| check(model))
    }

    /// What people are told of them for the model as a version shows it.
    pub(super) fn told(&self, model: &Model) -> impl Iterator<Item = String> {
        self.warnings.iter().flat_map(move |check| check(model))
    }
}

/// What can stand as an argument behind the `Call`.
pub trait FromCall: Sized + Send + 'static {
    /// Says what it needs to be there at start.
    fn needs(_needs: &mut Needs) {}

    /// Makes it for one call.
    fn from_call(call: &Call) -> Result<Self, Refusal>;
}

/// A component of the application: `Component<Mailer>`.
pub struct Component<T>(pub Arc<T>);

impl<T> Clone for Component<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for Component<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Send + Sync + 'static> FromCall for Component<T> {
    fn needs(needs: &mut Needs) {
        needs.component::<T>();
    }

    fn from_call(call: &Call) -> Result<Self, Refusal> {
        call.component().map(Self).ok_or_else(|| {
            let message = format!("there is no component `{}`", type_name::<T>());
            Refusal::new(Code::Internal, message)
        })
    }
}

/// The body of the request as a type of the application: `Body<NewOrder>`.
pub struct Body<T>(pub T);

impl<T> Deref for Body<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: DeserializeOwned + Send + 'static> FromCall for Body<T> {
    fn from_call(call: &Call) -> Result<Self, Refusal> {
        call.body().map(Self)
    }
}

/// A function that is logic.
pub trait IntoLogic<Arguments> {
    /// The function behind one type.
    fn into_logic(self) -> Arc<dyn Logic>;
}

/// A function that is `late` logic; made by [`late`].
#[derive(Clone, Copy, Debug)]
pub struct Late<F>(F);

/// Logic that waits for the outside world between reading and writing. What it reads before its
/// first write is read outside of the transaction and checked when that begins: when something
/// changed meanwhile, the logic runs again, three times at most, and then reads inside.
pub fn late<F>(function: F) -> Late<F> {
    Late(function)
}

/// A function and the codes that it refuses with; made by [`refusing`].
#[derive(Clone, Debug)]
pub struct Refusing<F> {
    function: F,
    codes: Vec<Code>,
}

/// Logic or a hook that says with which codes it refuses beside those of the operation: the OpenAPI
/// document and `carnet routes` name them. `refusing(feature, [&FEATURED_LIMIT])`
pub fn refusing<F, C: Into<Code>>(function: F, codes: impl IntoIterator<Item = C>) -> Refusing<F> {
    Refusing {
        function,
        codes: codes.into_iter().map(Into::into).collect(),
    }
}

impl<F: IntoLogic<Arguments>, Arguments> IntoLogic<Arguments> for Refusing<F> {
    fn into_logic(self) -> Arc<dyn Logic> {
        Arc::new(Coded {
            logic: self.function.into_logic(),
            codes: self.codes,
        })
    }
}

/// Logic and the codes that it refuses with.
struct Coded {
    logic: Arc<dyn Logic>,
    codes: Vec<Code>,
}

impl Logic for Coded {
    fn call(&self, call: Call) -> BoxFuture<'static, Result<Reply, Refusal>> {
        self.logic.call(call)
    }

    fn needs(&self, needs: &mut Needs) {
        self.logic.needs(needs);
    }

    fn name(&self) -> &'static str {
        self.logic.name()
    }

    fn is_late(&self) -> bool {
        self.logic.is_late()
    }

    fn codes(&self) -> &[Code] {
        &self.codes
    }
}

/// A function with the types of its arguments.
struct Function<F, Arguments> {
    function: F,
    late: bool,
    arguments: PhantomData<fn(Arguments)>,
}

impl<F, Arguments> IntoLogic<Arguments> for Late<F>
where
    F: IntoFunction<Arguments>,
    Function<F, Arguments>: Logic,
{
    fn into_logic(self) -> Arc<dyn Logic> {
        Arc::new(Function {
            function: self.0,
            late: true,
            arguments: PhantomData,
        })
    }
}

/// A function whose arguments are these. Implemented for what [`IntoLogic`] is.
pub trait IntoFunction<Arguments> {}

macro_rules! functions {
    ($($argument:ident)*) => {
        impl<F, Fut, Out, $($argument,)*> IntoFunction<($($argument,)*)> for F
        where
            F: Fn(Call, $($argument,)*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = Result<Out, Refusal>> + Send + 'static,
            Out: IntoReply + 'static,
            $($argument: FromCall,)*
        {
        }

        impl<F, Fut, Out, $($argument,)*> IntoLogic<($($argument,)*)> for F
        where
            F: Fn(Call, $($argument,)*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = Result<Out, Refusal>> + Send + 'static,
            Out: IntoReply + 'static,
            $($argument: FromCall,)*
        {
            fn into_logic(self) -> Arc<dyn Logic> {
                Arc::new(Function {
                    function: self,
                    late: false,
                    arguments: PhantomData::<fn(($($argument,)*))>,
                })
            }
        }

        impl<F, Fut, Out, $($argument,)*> Logic for Function<F, ($($argument,)*)>
        where
            F: Fn(Call, $($argument,)*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = Result<Out, Refusal>> + Send + 'static,
            Out: IntoReply + 'static,
            $($argument: FromCall,)*
        {
            fn call(&self, call: Call) -> BoxFuture<'static, Result<Reply, Refusal>> {
                $(
                    #[expect(non_snake_case, reason = "named as its type")]
                    let $argument = match $argument::from_call(&call) {
                        Ok(argument) => argument,
                        Err(refusal) => return Box::pin(std::future::ready(Err(refusal))),
                    };
                )*
                let running = (self.function)(call, $($argument,)*);
                // Not awaited in a block, which would have room for it twice.
                Box::pin(running.map(|answered| answered?.into_reply()))
            }

            fn needs(&self, _needs: &mut Needs) {
                $($argument::needs(_needs);)*
            }

            fn name(&self) -> &'static str {
                type_name::<F>()
            }

            fn is_late(&self) -> bool {
                self.late
            }
        }
    };
}

functions! {}
functions! { A }
functions! { A B }
functions! { A B C }
functions! { A B C D }
functions! { A B C D E }
functions! { A B C D E G }
